"""What several rooms' tests stand on: real databases, started and emptied here."""
