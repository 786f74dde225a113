-- Apply changes, all or none: everything is looked at and written by now.

return { 'ok', counts }
