"""Measuring converted speech: metrics, the paper's protocol, reports and listening tests."""
