"""How rows become instances: state, hydration, lazy loading, dirty tracking.

Imports only core to reading/aggregation.
"""
