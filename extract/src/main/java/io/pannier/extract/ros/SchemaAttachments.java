package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the attachments of entries say about their messages. */
final class SchemaAttachments {
  private final JsonNode attachments;
  private final Map<String, Optional<EntrySchema>> read = new HashMap<>();

  SchemaAttachments(JsonNode attachments) {
    this.attachments = attachments;
  }

  /** That of an entry; empty without a usable attachment. */
  Optional<EntrySchema> of(String entry) {
    return read.computeIfAbsent(entry, _ -> EntrySchema.of(attachments.path(entry)));
  }

  /** Encodings of all entries. */
  List<String> encodings() {
    var encodings = new ArrayList<String>();
    attachments
        .fieldNames()
        .forEachRemaining(entry -> of(entry).map(EntrySchema::encoding).ifPresent(encodings::add));
    return encodings;
  }
}
