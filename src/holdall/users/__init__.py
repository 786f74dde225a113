"""Users: who they are, how they say so, and what is kept of that; each way is off until it is configured."""

from holdall.users.accounts import Account, AccountToken, LoginAttempts, LoginSession, PasswordReset
from holdall.users.authenticator import Authenticator
from holdall.users.bearer import JwtBearer, JwtKey
from holdall.users.logged_in import LoggedIn
from holdall.users.users import Users

__all__ = [
    "Account",
    "AccountToken",
    "Authenticator",
    "JwtBearer",
    "JwtKey",
    "LoggedIn",
    "LoginAttempts",
    "LoginSession",
    "PasswordReset",
    "Users",
]
