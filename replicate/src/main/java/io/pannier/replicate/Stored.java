package io.pannier.replicate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The tasks as they stand in their document: JSON, the settings as the API has them, with tokens.
 *
 * @param nextId id of the next task; ids are never used again
 */
record Stored(int nextId, List<One> tasks) {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** One task. */
  record One(int id, String name, ReplicationSettings settings) {}

  static Stored of(Optional<byte[]> document) {
    if (document.isEmpty()) {
      return new Stored(1, List.of());
    }
    ObjectNode root = Json.object(document.get());
    var tasks = new ArrayList<One>();
    for (var node : root.withArray("tasks")) {
      if (node instanceof ObjectNode task && task.get("settings") instanceof ObjectNode settings) {
        tasks.add(
            new One(
                task.path("id").asInt(),
                Json.requiredText(task, "name"),
                SettingsJson.read(settings)));
      }
    }
    return new Stored(root.path("next").asInt(1), tasks);
  }

  byte[] bytes() {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("next", nextId);
    var list = root.putArray("tasks");
    for (One one : tasks) {
      ObjectNode task = list.addObject();
      task.put("id", one.id());
      task.put("name", one.name());
      task.set("settings", SettingsJson.write(one.settings()));
    }
    try {
      return MAPPER.writeValueAsBytes(root);
    } catch (JsonProcessingException impossible) {
      throw new PannierException.Internal("tasks cannot be written", impossible);
    }
  }
}
