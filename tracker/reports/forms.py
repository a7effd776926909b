"""What an administrator hands in to be imported."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField
from wtforms.validators import InputRequired

from tracker.web.forms import Form

OWN_MAPPING = "own"


class ImportForm(Form):
    """A file, and how to read it."""

    file = FileField(_l("File"), [FileRequired(_l("Choose the file to import."))])
    mapping = SelectField(_l("Mapping"), [InputRequired(_l("Choose the mapping."))])
    own_mapping = FileField(_l("A mapping of your own"))
    unit = SelectField(
        _l("Unit for rows that name none"),
        [InputRequired(_l("Choose the unit."))],
        coerce=int,
    )
