"""The service: one loaded model behind HTTP endpoints and a page."""
