"""The rules for mail, from the configuration: for whoever asks what becomes of one."""

from zoneinfo import ZoneInfo

from zegel.journeys.judge import Judge
from zegel.journeys.wishes import Defaults
from zegel.wiring.build import utc_now
from zegel.wiring.config import Config

ZONE = "Europe/Amsterdam"


def judge(config: Config) -> Judge:
    """As the SMTP door of this Zegel has them."""
    smtp = config.smtp
    defaults = Defaults(smtp.default_proof, smtp.language, ZoneInfo(ZONE), smtp.missing_proof)
    return Judge(config.policy.policy(smtp.default_class), defaults, utc_now)
