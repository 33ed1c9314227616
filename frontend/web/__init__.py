"""What stands between browser and pages: security, the public path, compression, joined files."""
