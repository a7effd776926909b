"""The words for kinds of units and areas."""

from flask_babel import lazy_gettext as _l

from tracker.organisation.models import AreaKind, UnitKind

LABELS = {
    UnitKind.BUREAU: _l("Bureau"),
    UnitKind.BRANCH: _l("Branch"),
    UnitKind.STATION: _l("Station"),
    UnitKind.OFFICE: _l("Office"),
    AreaKind.DISTRICT: _l("District"),
    AreaKind.STREET: _l("Street"),
    AreaKind.COMMUNITY: _l("Community or village"),
    AreaKind.GRID: _l("Grid"),
}
