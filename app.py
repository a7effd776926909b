"""What the WSGI server and the `flask` command start from."""

from tracker import create_app

app = create_app()
