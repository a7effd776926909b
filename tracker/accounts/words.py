"""The words for roles and rights."""

from flask_babel import lazy_gettext as _l

from tracker.permissions import Action, Reach, Role

LABELS = {
    Role.RESIDENT: _l("Resident"),
    Role.VOLUNTEER: _l("Volunteer"),
    Role.TEAM_LEADER: _l("Team leader"),
    Role.LEADER: _l("Leader"),
    Role.COORDINATOR: _l("Coordinator"),
    Role.SUPERVISOR: _l("Supervisor"),
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.AUDITOR: _l("Auditor"),
    Reach.NOWHERE: _l("No"),
    Reach.OWN: _l("own"),
    Reach.TEAM: _l("team"),
    Reach.UNIT: _l("unit"),
    Action.SUBMIT_SERVICE_REQUEST: _l("Send a request"),
    Action.TAKE_IN_SERVICE_REQUEST: _l("Take in a request for a caller or visitor"),
    Action.VIEW_SERVICE_REQUEST: _l("See a request"),
    Action.VIEW_CONTACT: _l("See name, phone and address (each look is logged)"),
    Action.VIEW_QUEUE: _l("See the list of requests"),
    Action.VIEW_BOARD: _l("See the board of tasks, without personal data"),
    Action.ACCEPT_SERVICE_REQUEST: _l("Accept"),
    Action.DECLINE_SERVICE_REQUEST: _l("Decline"),
    Action.MERGE_SERVICE_REQUEST: _l("Merge two requests"),
    Action.ASSIGN_SERVICE_REQUEST: _l("Dispatch to a team and a leader"),
    Action.RETURN_SERVICE_REQUEST: _l("Return to the desk"),
    Action.SIGN_FOR_SERVICE_REQUEST: _l("Sign for"),
    Action.CLAIM_SERVICE_REQUEST: _l("Claim a place"),
    Action.RELEASE_CLAIM: _l("Give a place back"),
    Action.RECORD_VISIT: _l("Plan and record visits"),
    Action.ADD_NOTE: _l("Write notes"),
    Action.ASK_REQUESTER: _l("Ask the requester a question"),
    Action.RESUME_SERVICE_REQUEST: _l("Go on after waiting"),
    Action.ASK_EXTENSION: _l("Ask for more time"),
    Action.DECIDE_EXTENSION: _l("Decide about more time"),
    Action.ASK_PARKING: _l("Ask to park"),
    Action.DECIDE_PARKING: _l("Decide about parking"),
    Action.UNPARK_SERVICE_REQUEST: _l("Take up what was parked"),
    Action.REFER_SERVICE_REQUEST: _l("Hand on to another body"),
    Action.RESOLVE_SERVICE_REQUEST: _l("Report the result"),
    Action.CONFIRM_OWN_REQUEST: _l("Confirm and rate the result"),
    Action.CALL_BACK: _l("Call back and record the answer"),
    Action.DISPUTE_OWN_REQUEST: _l("Say that it is not solved"),
    Action.DECIDE_REOPENING: _l("Decide about reopening"),
    Action.WITHDRAW_OWN_REQUEST: _l("Withdraw"),
    Action.URGE_OWN_REQUEST: _l("Ask to hurry"),
    Action.ADD_TO_OWN_REQUEST: _l("Add a word or a photo"),
    Action.EXPORT_SERVICE_REQUESTS: _l("Export lists"),
    Action.VIEW_REPORTS: _l("See the figures"),
    Action.IMPORT_SERVICE_REQUESTS: _l("Import requests"),
    Action.MANAGE_PEOPLE: _l("Invite, edit and end people"),
    Action.MANAGE_GRANTS: _l("Give and end roles"),
    Action.MANAGE_UNITS: _l("Edit units"),
    Action.MANAGE_AREAS: _l("Edit areas"),
    Action.MANAGE_CATEGORIES: _l("Edit categories"),
    Action.MANAGE_TEAMS: _l("Edit teams and their members"),
    Action.MANAGE_ORGANISATION: _l("Edit the organisation and its calendar"),
    Action.VIEW_OUTBOX: _l("See outgoing mail"),
    Action.VIEW_AUDIT_TRAIL: _l("See the audit trail"),
    Action.VIEW_PERMISSIONS: _l("See this table"),
}

REACHES = {
    Reach.OWN: _l(
        "Only what is one's own: the resident's request, the volunteer's claimed tasks, what the leader answers for."
    ),
    Reach.TEAM: _l("What one of the person's teams has, as lead or helping team."),
    Reach.UNIT: _l("Everything in the unit of the role and in the units below it."),
}
"""How far each reach extends, in a sentence."""
