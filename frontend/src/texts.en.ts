/** What readers see in English. */
import type { Texts } from "./texts.nl.ts";

export const en: Texts = {
  greeting: (sender) => `A secure message from ${sender}`,
  from: "From",
  to: "To",
  copyTo: "Copy to",
  date: "Date",
  until: "Available until",
  noSubject: "(no subject)",
  message: "Message",

  openMessage: "Open message",
  mailProof: "Click the button to read the message. It is opened in your own browser. Nobody else can read along.",
  codeTitle: "Enter your code",
  codeExplained: "The sender has agreed an access code with you. It is not in the e-mail.",
  codeLabel: "Access code",
  smsExplained: (hint) => `We will send a code of 6 digits to the telephone number that ends in ${hint}.`,
  smsSend: "Send me a code",
  smsSent: (hint) => `We have sent a code of 6 digits to the telephone number that ends in ${hint}. The code is valid for 10 minutes.`,
  smsLabel: "Code from the text message",
  smsExample: "For example 123456",
  smsAgain: "Send a new code",
  smsSentAgain: "We have sent a new code.",
  emptyCode: "Enter the code.",
  shortCode: "The code from the text message has 6 digits.",
  busy: "One moment…",

  verifiedElsewhere: (organisation, domain) =>
    `This message was opened in your browser. It comes from another organisation, ${organisation}, and its signature is correct. ${domain} vouches for its key.`,
  verified: (organisation) => `This message was opened in your browser. The signature of ${organisation} is correct.`,
  notVerified: "Please note: we cannot establish who sent this message. Do not simply trust it. When in doubt, contact the sender.",
  remoteBlocked: "Pictures from other websites have been left out. That way nobody can see that you read this message.",
  emptyMessage: "This message has no text.",
  attachments: (count) => `Attachments (${count})`,
  download: "Download",
  downloadNamed: (name) => `Download ${name}`,
  downloadAll: "Download all",
  stop: "Stop",
  stopNamed: (name) => `Stop downloading ${name}`,
  progress: (name) => `Progress of ${name}`,
  percent: (part) => `${part} decrypted. Do not close this window.`,
  checked: "Checked and saved.",
  stopped: "Stopped. Nothing was saved.",
  pictureFailed: "A picture in this message could not be shown.",
  largeMemory: "This browser keeps the file in memory first. Does it fail? Then try a computer with a recent version of Chrome, Edge or Firefox.",
  again: "Try again",
  wait: (time) => `Wait ${time}, then try again.`,
  seconds: (count) => (count === 1 ? "1 second" : `${count} seconds`),
  minutes: (count) => (count === 1 ? "1 minute" : `${count} minutes`),

  troubles: {
    "cut-link": {
      title: "The link is not complete",
      text: "A part of the link is missing. Copy the whole link from the e-mail, up to the last character, and paste it into the address bar.",
    },
    "wrong-link": {
      title: "This link does not fit this message",
      text: "The link was changed on its way, or belongs to another message. Open the link from the e-mail once more. Does that not help? Ask the sender to send the message again.",
    },
    "foreign-slip": {
      title: "This key slip belongs to another message",
      text: "We have not opened anything. Please report this to the organisation that sent you the message.",
    },
    damaged: {
      title: "This message is damaged",
      text: "Its content is no longer what the sender sent. That is why we show nothing of it. Ask the sender to send the message again.",
    },
    "damaged-file": {
      title: "This attachment is damaged",
      text: "The attachment is no longer what the sender sent. Nothing was saved. Ask the sender to send the attachment again.",
    },
    "unknown-slip": {
      title: "This message does not exist",
      text: "Check that you used the whole link from the e-mail. It may also be that the message is no longer there.",
    },
    revoked: {
      title: "The sender has withdrawn this message",
      text: "You can no longer read the message. Do you have questions? Then contact the sender.",
    },
    expired: {
      title: "This message is no longer available",
      text: "The time in which you could read the message is over. Do you still need it? Then contact the sender.",
    },
    "ticket-expired": {
      title: "Your access has ended",
      text: "You opened the message some time ago. Open it again to continue.",
    },
    "proof-failed": {
      title: "This code is not correct",
      text: "This code is not correct. Check the code or request a new one.",
    },
    "proof-paused": {
      title: "Too many tries",
      text: "A wrong code was entered too often.",
    },
    "code-paused": {
      title: "No new code yet",
      text: "You have just requested a code.",
    },
    offline: {
      title: "There is no connection",
      text: "Check your internet connection and try again. Nothing was saved. Does it keep failing? Then contact the sender.",
    },
    server: {
      title: "Something went wrong",
      text: "It is not your fault. Try again in a few minutes.",
    },
    "old-browser": {
      title: "This browser is not suitable",
      text: "Your browser cannot open this message safely. Use a recent version of Firefox, Chrome, Edge or Safari.",
    },
    "no-room": {
      title: "There is not enough room",
      text: "This attachment does not fit. Free some space, or open the message on a computer with Chrome or Edge. Nothing was saved.",
    },
    "save-failed": {
      title: "Saving did not work",
      text: "The attachment could not be saved. Choose another folder and try again.",
    },
    stopped: { title: "Stopped", text: "Stopped. Nothing was saved." },
  },
};
