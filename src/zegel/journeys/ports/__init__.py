"""What journeys need from hands, a module for each hand. A hand fits by its methods; it never imports these."""
