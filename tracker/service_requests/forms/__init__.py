"""What people type on the pages of service requests, one module per group of pages."""
