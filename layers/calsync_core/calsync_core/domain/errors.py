"""The whole error tree; house-style section 6 says for each whether to retry, who is told and what follows.

    CalsyncError
      ProviderUnavailableError            try again later; seconds in place, longer by Step Functions
        ProviderThrottledError            the provider named the wait
      CursorExpiredError                  read the window in full, delete nothing because of it
      VersionChangedError                 read again, plan again
      LinkChangedError                    somebody else wrote our row: read again, plan again
      LeaseLostError                      the run is no longer ours: stop at once
      AppointmentGoneError                a tombstone for that one id
      RefusedError                        the booking system said no: a conflict
      AppointmentRejectedError            one bad entry: quarantined, the run goes on
      ConnectionBrokenError               nothing works until a person acts
        ConsentRevokedError               the person must sign in again
        AdminApprovalError                the organisation's administrator must approve first
        PermissionMissingError            signed in, but not allowed to do this
        MailboxUnusableError              signed in, but there is no calendar to serve
        CalendarGoneError                 a chosen calendar no longer exists
      InstallationError                   our own set-up is wrong or incomplete: the operator acts
      LinkInvalidError                    a link in a mail that leads nowhere (any more)
        LinkUnknownError, LinkExpiredError, LinkUsedError, LinkWithdrawnError
      SignInRefusedError                  a sign-in that we do not accept
      MailboxTakenError                   another owner has this mailbox
      StopLineError                       too much would vanish: a person confirms first
      InputError                          what was sent cannot be right
        NotFoundError
      ConcurrentChangeError               two people changed the same thing at once

Each error carries a stable `code` and ids, never content.
"""

from datetime import timedelta


class CalsyncError(Exception):
    """Root of all expected failures. `code` is stable and safe to show; `detail` holds ids and numbers only."""

    code = "internal"

    def __init__(self, code: str | None = None, /, **detail: str | int) -> None:
        self.code = code or type(self).code
        self.detail = detail
        super().__init__(" ".join([self.code, *(f"{key}={value}" for key, value in detail.items())]))


class ProviderUnavailableError(CalsyncError):
    """The other side did not answer, or not in whole; what it would have said is `unknown`."""

    code = "provider_unavailable"


class ProviderThrottledError(ProviderUnavailableError):
    """The other side asks us to slow down for `retry_after`."""

    code = "throttled"

    def __init__(self, retry_after: timedelta, code: str | None = None, /, **detail: str | int) -> None:
        super().__init__(code, **detail)
        self.retry_after = retry_after


class CursorExpiredError(CalsyncError):
    code = "cursor_expired"


class VersionChangedError(CalsyncError):
    code = "version_changed"


class LinkChangedError(CalsyncError):
    code = "link_changed"


class LeaseLostError(CalsyncError):
    code = "lease_lost"


class AppointmentGoneError(CalsyncError):
    code = "gone"


class RefusedError(CalsyncError):
    """The booking system refused: slot_taken, outside_hours, locked, granularity, forbidden, not_supported."""

    code = "host_refused"


class AppointmentRejectedError(CalsyncError):
    """One appointment that a side does not take, or that we cannot read; `code` says why."""

    code = "entry_rejected"


class ConnectionBrokenError(CalsyncError):
    code = "connection_broken"


class ConsentRevokedError(ConnectionBrokenError):
    code = "auth_expired"


class AdminApprovalError(ConnectionBrokenError):
    code = "auth_admin_approval"


class PermissionMissingError(ConnectionBrokenError):
    code = "permission_missing"


class MailboxUnusableError(ConnectionBrokenError):
    """`code` names which: mailbox_on_premises_or_unlicensed, mailbox_missing, mailbox_guest, mailbox_new."""

    code = "mailbox_unusable"


class CalendarGoneError(ConnectionBrokenError):
    code = "calendar_gone"


class InstallationError(CalsyncError):
    """For instance entra_missing, entra_secret_wrong, entra_secret_expired, host_unauthorised."""

    code = "installation"


class LinkInvalidError(CalsyncError):
    code = "link_unknown"


class LinkUnknownError(LinkInvalidError):
    code = "link_unknown"


class LinkExpiredError(LinkInvalidError):
    code = "link_expired"


class LinkUsedError(LinkInvalidError):
    code = "link_used"


class LinkWithdrawnError(LinkInvalidError):
    code = "link_withdrawn"


class SignInRefusedError(CalsyncError):
    """state_unknown, state_foreign, token_invalid, declined, wrong_account ..."""

    code = "sign_in_refused"


class MailboxTakenError(CalsyncError):
    code = "mailbox_taken"


class StopLineError(CalsyncError):
    code = "stop_line"


class InputError(CalsyncError):
    """What was sent cannot be right; `code` says what, `field` in the detail says where."""

    code = "input_invalid"


class NotFoundError(InputError):
    code = "not_found"


class ConcurrentChangeError(CalsyncError):
    code = "changed_meanwhile"
