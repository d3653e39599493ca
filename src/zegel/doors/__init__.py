"""Doors: SMTP, web and command line. They translate the outside's language into a journey, and errors into replies."""
