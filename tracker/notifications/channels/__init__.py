"""The ways messages travel, a module each. What they share is `carrier`; which there are, `carriers`."""
