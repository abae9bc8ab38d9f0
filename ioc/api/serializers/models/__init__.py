"""What each answer of the API holds, as models that the description and the screens' types are made from.

The serializers write answers without them; the tests hold every answer that they see against its model.
"""
