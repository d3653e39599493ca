"""Countries as the policies group them (ISO 3166-1 alpha-2)."""

EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV"}
    | {"MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
EEA = EU | {"IS", "LI", "NO"}
EUROPE = EEA | {"CH"}
"""Where sealed bytes may lie: the EEA and Switzerland (Herziening rijksbreed cloudbeleid 2026, 4.6)."""
