"""Tests of what changes a request."""
