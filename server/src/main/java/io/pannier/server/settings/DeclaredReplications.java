package io.pannier.server.settings;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.query.Json;
import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationOptions;
import io.pannier.replicate.SettingsJson;
import io.pannier.server.ReplicationSetup;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The replications that the configuration gives (configuration.md §10, §15.3). The older ways to
 * say which records are wanted become members in front of the condition.
 */
final class DeclaredReplications {
  private final Reading reading;

  private DeclaredReplications(Reading reading) {
    this.reading = reading;
  }

  static ReplicationSetup read(Reading reading) {
    var declared = new DeclaredReplications(reading);
    var tasks = new ArrayList<ReplicationDeclaration>();
    for (String id : reading.ids(Table.REPLICATION_NAME)) {
      declared.task(id).ifPresent(tasks::add);
    }
    reading.refuseTwice("replication", tasks.stream().map(ReplicationDeclaration::name).toList());
    ReplicationOptions usual = ReplicationOptions.DEFAULT;
    var options =
        new ReplicationOptions(
            (int) reading.value(Table.REPLICATION_TIMEOUT).toSeconds(),
            reading.value(Table.REPLICATION_VERIFY_SSL),
            Settings.path(reading, Table.REPLICATION_CA_PATH),
            usual.listenPort(),
            usual.batchBytes(),
            usual.batchRecords(),
            reading.value(Table.REPLICATION_WARN_BEFORE).toSeconds(),
            usual.resumeBytes());
    return new ReplicationSetup(options, tasks);
  }

  private Optional<ReplicationDeclaration> task(String id) {
    Optional<String> name = reading.find(Table.REPLICATION_NAME.of(id));
    Optional<String> source = reading.required(Table.REPLICATION_SRC_BUCKET.of(id));
    Optional<String> bucket = reading.required(Table.REPLICATION_DST_BUCKET.of(id));
    Optional<URI> host = reading.required(Table.REPLICATION_DST_HOST.of(id));
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    reading.find(Table.REPLICATION_DST_TOKEN.of(id)).ifPresent(text -> json.put("dst_token", text));
    reading
        .find(Table.REPLICATION_DST_PREFIX.of(id))
        .ifPresent(text -> json.put("dst_prefix", text));
    ArrayNode entries = json.putArray("entries");
    reading.find(Table.REPLICATION_ENTRIES.of(id)).orElse(List.of()).forEach(entries::add);
    json.put("compression", reading.value(Table.REPLICATION_COMPRESSION.of(id)));
    json.put("from", reading.value(Table.REPLICATION_FROM.of(id)));
    reading
        .find(Table.REPLICATION_MAX_BYTES_PER_SECOND.of(id))
        .ifPresent(bytes -> json.put("max_bytes_per_second", bytes));
    Optional<String> mode = reading.find(Table.REPLICATION_MODE.of(id));
    mode.ifPresent(text -> json.put("mode", text));
    condition(id).ifPresent(when -> json.set("when", when));
    reading
        .find(Table.REPLICATION_EXT.of(id))
        .ifPresent(text -> json.set("ext", Json.parse(text.getBytes(StandardCharsets.UTF_8))));
    if (name.isEmpty() || source.isEmpty() || bucket.isEmpty() || host.isEmpty()) {
      return Optional.empty();
    }
    json.put("src_bucket", source.get());
    json.put("dst_bucket", bucket.get());
    json.put("dst_host", host.get().toString());
    return Optional.of(
        new ReplicationDeclaration(name.get(), SettingsJson.read(json), mode.isPresent()));
  }

  private Optional<JsonNode> condition(String id) {
    Optional<JsonNode> when =
        reading
            .find(Table.REPLICATION_WHEN.of(id))
            .map(text -> Json.parse(text.getBytes(StandardCharsets.UTF_8)));
    ArrayNode front = JsonNodeFactory.instance.arrayNode();
    String prefix = Table.REPLICATION_NAME.family() + id;
    reading.texts(prefix + "_INCLUDE_").forEach((label, text) -> front.add(labelIs(label, text)));
    Map<String, String> excluded = reading.texts(prefix + "_EXCLUDE_");
    if (!excluded.isEmpty()) {
      ArrayNode all = JsonNodeFactory.instance.arrayNode();
      excluded.forEach((label, text) -> all.add(labelIs(label, text)));
      front.addObject().putArray("$not").addObject().set("$and", all);
    }
    reading
        .find(Table.REPLICATION_EACH_S.of(id))
        .ifPresent(seconds -> front.addObject().put("$each_t", seconds));
    reading
        .find(Table.REPLICATION_EACH_N.of(id))
        .ifPresent(count -> front.addObject().put("$each_n", count));
    if (front.isEmpty()) {
      return when;
    }
    ObjectNode whole = JsonNodeFactory.instance.objectNode();
    whole.set("$and", front);
    when.ifPresent(node -> {
      if (node instanceof ObjectNode object) {
        object
            .properties()
            .forEach(member -> {
              if (member.getKey().equals("$and")) {
                front.addObject().set("$and", member.getValue());
              } else {
                whole.set(member.getKey(), member.getValue());
              }
            });
      } else {
        front.add(node);
      }
    });
    return Optional.of(whole);
  }

  /** The label is there and has this text. */
  private static ObjectNode labelIs(String label, String text) {
    ObjectNode is = JsonNodeFactory.instance.objectNode();
    ArrayNode both = is.putArray("$and");
    both.addObject().put("$exists", label);
    both.addObject().putArray("$eq").add(textOf(label)).add(text);
    return is;
  }

  private static ObjectNode textOf(String label) {
    return JsonNodeFactory.instance.objectNode().put("$text", "&" + label);
  }
}
