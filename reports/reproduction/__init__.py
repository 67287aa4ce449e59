"""What a reproduction shows: tables, figures, the document, the page."""
