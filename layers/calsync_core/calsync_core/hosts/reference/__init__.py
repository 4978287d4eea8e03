"""The bundled booking system: Host Connector v1 (docs/hosts/connector-v1.md) and a plain week page.

It is a booking system of its own that happens to share calsync's table and stack. It imports nothing of calsync but
`calsync_core.keys`, and calsync talks to it over HTTP as to any other.

    app.py            puts the parts together; the only thing others import
    api.py, pages.py  the two faces: JSON for programs, HTML for the reception
    desk.py           the rules of booking, moving and cancelling; series_desk.py for series
    register.py       resources and working hours
    blocks.py         busy times that calsync writes
    calendars.py      what stands in a resource's calendar: windows, change feed, the lock against double booking
    outbox.py         events to calsync
    table.py          the only DynamoDB calls
    documents.py      the entities; messages.py what may be sent; both made of fields.py
    rules.py          what is refused; series.py, working_hours.py, instants.py: the pure parts of it
"""
