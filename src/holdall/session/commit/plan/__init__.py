"""From changed records to a plan: values and pure functions, no store is touched."""
