"""An ORM over the Directus REST API: models in, HTTP out."""

__version__ = "0.1.0"
