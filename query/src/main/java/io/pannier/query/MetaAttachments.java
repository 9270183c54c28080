package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Work;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.StoredRecord;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Predicate;

/** What stands beside entries, as extensions get it: entry → key → content. */
final class MetaAttachments {
  /** Most attachments of an entry. */
  private static final int MAX = 100;

  /** Longest attachment. */
  private static final int BYTES_MAX = 4 << 20;

  private MetaAttachments() {}

  /**
   * Reads the attachments of the chosen entries as they are now. Of several with one key the newest
   * counts.
   *
   * @param work what they take is reserved there
   */
  static ObjectNode read(Bucket bucket, Predicate<String> isChosen, Work work) {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    var byName = new TreeMap<String, Entry>();
    for (Entry entry : bucket.entries()) {
      String name = entry.name();
      if (Names.isMeta(name)) {
        String parent = name.substring(0, name.lastIndexOf('/'));
        if (isChosen.test(parent)) {
          byName.put(parent, entry);
        }
      }
    }
    byName.forEach((parent, entry) -> {
      ObjectNode some = read(bucket, entry, work);
      if (!some.isEmpty()) {
        all.set(parent, some);
      }
    });
    return all;
  }

  private static ObjectNode read(Bucket bucket, Entry entry, Work work) {
    String path = "'" + bucket.name() + "/" + entry.name() + "'";
    Map<String, StoredRecord> newest = new LinkedHashMap<>();
    var found = new ArrayList<StoredRecord>();
    // The condition of every query on such an entry leaves out what was removed.
    Queries.walk(
        entry, QueryOptions.range(OptionalLong.empty(), OptionalLong.empty()), found::addAll);
    for (StoredRecord record : List.copyOf(found)) {
      String key = record.labels().get("key");
      if (key != null && !key.isEmpty()) {
        newest.put(key, record);
      }
    }
    if (newest.size() > MAX) {
      throw new PannierException.Invalid(
          "Too many meta attachments in " + path + ": maximum " + MAX + " records are supported");
    }
    ObjectNode contents = JsonNodeFactory.instance.objectNode();
    newest.forEach((key, record) -> {
      work.reserve(record.length());
      try (var body = new StoredItem(record).body()) {
        contents.set(key, parsed(body.bytes(BYTES_MAX), key, path));
      } catch (PannierException.NotFound vanished) {
        // Its entry was removed meanwhile.
      }
    });
    return contents;
  }

  private static JsonNode parsed(byte[] text, String key, String path) {
    try {
      return Json.parse(text);
    } catch (PannierException.Invalid e) {
      String detail = String.valueOf(e.getMessage()).replace("Invalid JSON: ", "");
      throw new PannierException.Invalid(
          "Meta attachment '" + key + "' in " + path + " must be valid JSON: " + detail);
    }
  }
}
