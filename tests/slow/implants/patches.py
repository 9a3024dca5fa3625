def build(builder, wanted):
    return []
