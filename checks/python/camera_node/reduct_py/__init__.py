"""The name under which the article imports the client; the package itself calls its module "reduct"."""

from reduct import *  # noqa: F401,F403
