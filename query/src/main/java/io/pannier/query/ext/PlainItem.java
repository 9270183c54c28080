package io.pannier.query.ext;

import io.pannier.model.Labels;

/** An item of its parts. */
record PlainItem(
    String entry, long timestamp, Labels labels, Labels computed, String contentType, Body body)
    implements Item {}
