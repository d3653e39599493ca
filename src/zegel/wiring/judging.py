"""The rules for mail, from the configuration: for whoever asks what becomes of one."""

from zegel.journeys.judge import Judge
from zegel.journeys.wishes import Defaults
from zegel.wiring.direct import Direct
from zegel.wiring.ground import Ground, utc_now
from zegel.wiring.ways import MailWays


def judge(ground: Ground) -> Judge:
    """As the SMTP door of this Zegel has them; asks the same resolvers about domains."""
    config, smtp = ground.config, ground.config.smtp
    defaults = Defaults(smtp.default_proof, smtp.language, config.organisation.zone, smtp.missing_proof)
    return Judge(config.policy.policy(smtp.default_class), defaults, utc_now, MailWays(ground, Direct(ground)).ways)
