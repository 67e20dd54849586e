"""The model report: everything known of one model as one value, and that value as a page, Markdown, one HTML file or PDF."""
