"""Whole numbers that somebody types."""

from wtforms import IntegerField
from wtforms.validators import NumberRange


class WholeNumberField(IntegerField):
    """A whole number. What is none, where there are bounds, is answered as one out of them is."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; leave what is no number, or nothing, to the bounds."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            if not any(isinstance(each, NumberRange) for each in self.validators):
                raise
