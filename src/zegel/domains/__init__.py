"""What a mail domain offers: asks DNS and policy servers, and remembers for a while. ``transport`` judges."""
