/** What readers see in Dutch, in plain words (B1). English has the same members: `texts.en.ts`. */
export const nl = {
  greeting: (sender: string) => `Een beveiligd bericht van ${sender}`,
  from: "Van",
  to: "Aan",
  copyTo: "Kopie aan",
  date: "Datum",
  until: "Beschikbaar tot",
  noSubject: "(geen onderwerp)",
  message: "Bericht",

  openMessage: "Bericht openen",
  mailProof: "Klik op de knop om het bericht te lezen. Het wordt in uw eigen browser geopend. Niemand anders kan meelezen.",
  codeTitle: "Vul uw code in",
  codeExplained: "De afzender heeft een toegangscode met u afgesproken. Die staat niet in de e-mail.",
  codeLabel: "Toegangscode",
  smsExplained: (hint: string) => `Wij sturen een code van 6 cijfers naar het telefoonnummer dat eindigt op ${hint}.`,
  smsSend: "Stuur mij een code",
  smsSent: (hint: string) =>
    `We hebben een code van 6 cijfers gestuurd naar het telefoonnummer dat eindigt op ${hint}. De code is 10 minuten geldig.`,
  smsLabel: "Code uit de sms",
  smsExample: "Bijvoorbeeld 123456",
  smsAgain: "Nieuwe code sturen",
  smsSentAgain: "We hebben een nieuwe code gestuurd.",
  emptyCode: "Vul de code in.",
  shortCode: "De code uit de sms heeft 6 cijfers.",
  busy: "Even geduld…",

  verifiedElsewhere: (organisation: string, domain: string) =>
    `Dit bericht is in uw browser geopend. Het komt van een andere organisatie, ${organisation}, en haar handtekening klopt. ${domain} staat in voor haar sleutel.`,
  verified: (organisation: string) => `Dit bericht is in uw browser geopend. De handtekening van ${organisation} klopt.`,
  notVerified: "Let op: wij kunnen niet vaststellen van wie dit bericht komt. Vertrouw het niet zomaar. Neem bij twijfel contact op met de afzender.",
  remoteBlocked: "Afbeeldingen van andere websites zijn weggelaten. Zo kan niemand zien dat u dit bericht leest.",
  emptyMessage: "Dit bericht heeft geen tekst.",
  attachments: (count: number) => `Bijlagen (${count})`,
  download: "Download",
  downloadNamed: (name: string) => `Download ${name}`,
  downloadAll: "Alles downloaden",
  stop: "Stop",
  stopNamed: (name: string) => `Stop het downloaden van ${name}`,
  progress: (name: string) => `Voortgang van ${name}`,
  percent: (part: string) => `${part} ontsleuteld. Sluit dit venster niet.`,
  checked: "Gecontroleerd en opgeslagen.",
  stopped: "Gestopt. Er is niets opgeslagen.",
  pictureFailed: "Een afbeelding in dit bericht kon niet worden getoond.",
  largeMemory: "Deze browser bewaart het bestand eerst in het geheugen. Lukt het niet? Probeer het dan op een computer met een nieuwe versie van Chrome, Edge of Firefox.",
  again: "Probeer het opnieuw",
  wait: (time: string) => `Wacht ${time} en probeer het dan opnieuw.`,
  seconds: (count: number) => (count === 1 ? "1 seconde" : `${count} seconden`),
  minutes: (count: number) => (count === 1 ? "1 minuut" : `${count} minuten`),

  troubles: {
    "cut-link": {
      title: "De link is niet compleet",
      text: "Een deel van de link ontbreekt. Kopieer de hele link uit de e-mail, tot en met het laatste teken, en plak die in de adresbalk.",
    },
    "wrong-link": {
      title: "Deze link past niet bij dit bericht",
      text: "De link is onderweg veranderd of hoort bij een ander bericht. Open de link nog een keer vanuit de e-mail. Helpt dat niet? Vraag de afzender om het bericht opnieuw te sturen.",
    },
    "foreign-slip": {
      title: "Dit sleutelbriefje hoort bij een ander bericht",
      text: "Wij hebben niets geopend. Meld dit bij de organisatie die u het bericht stuurde.",
    },
    damaged: {
      title: "Dit bericht is beschadigd",
      text: "De inhoud is niet meer zoals de afzender die verstuurde. Wij tonen er daarom niets van. Vraag de afzender om het bericht opnieuw te sturen.",
    },
    "damaged-file": {
      title: "Deze bijlage is beschadigd",
      text: "De bijlage is niet meer zoals de afzender die verstuurde. Er is niets opgeslagen. Vraag de afzender om de bijlage opnieuw te sturen.",
    },
    "unknown-slip": {
      title: "Dit bericht bestaat niet",
      text: "Controleer of u de hele link uit de e-mail heeft gebruikt. Het kan ook zijn dat het bericht er niet meer is.",
    },
    revoked: {
      title: "De afzender heeft dit bericht ingetrokken",
      text: "U kunt het bericht niet meer lezen. Heeft u vragen? Neem dan contact op met de afzender.",
    },
    expired: {
      title: "Dit bericht is niet meer beschikbaar",
      text: "De tijd waarin u het bericht kon lezen, is voorbij. Heeft u het nog nodig? Neem dan contact op met de afzender.",
    },
    "ticket-expired": {
      title: "Uw toegang is verlopen",
      text: "U heeft het bericht een tijd geleden geopend. Open het opnieuw om verder te gaan.",
    },
    "proof-failed": {
      title: "Deze code klopt niet",
      text: "Deze code klopt niet. Controleer de code of vraag een nieuwe aan.",
    },
    "proof-paused": {
      title: "Te veel pogingen",
      text: "Er is te vaak een verkeerde code ingevuld.",
    },
    "code-paused": {
      title: "Nog geen nieuwe code",
      text: "U heeft net al een code gevraagd.",
    },
    offline: {
      title: "Er is geen verbinding",
      text: "Controleer uw internetverbinding en probeer het opnieuw. Er is niets opgeslagen. Blijft het misgaan? Neem dan contact op met de afzender.",
    },
    server: {
      title: "Er ging iets mis",
      text: "Dat ligt niet aan u. Probeer het over een paar minuten opnieuw.",
    },
    "old-browser": {
      title: "Deze browser is niet geschikt",
      text: "Uw browser kan dit bericht niet veilig openen. Gebruik een nieuwe versie van Firefox, Chrome, Edge of Safari.",
    },
    "no-room": {
      title: "Er is te weinig ruimte",
      text: "Deze bijlage past niet. Maak ruimte vrij, of open het bericht op een computer met Chrome of Edge. Er is niets opgeslagen.",
    },
    "save-failed": {
      title: "Opslaan is niet gelukt",
      text: "De bijlage kon niet worden opgeslagen. Kies een andere map en probeer het opnieuw.",
    },
    stopped: { title: "Gestopt", text: "Gestopt. Er is niets opgeslagen." },
  },
};

export type Texts = typeof nl;
