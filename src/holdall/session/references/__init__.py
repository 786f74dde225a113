"""References between records of any stores: loaded, kept symmetric, checked, and answered by queries."""
