package io.pannier.extract.select;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.extract.table.JsonRows;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Selected values at the places they had. A value below one that was selected before takes its
 * place, with nothing beside it.
 */
final class JsonSelection {
  private sealed interface Place {
    /** A selected value. */
    record Value(JsonNode value) implements Place {}

    /** An object made for what lies in it. */
    record Parent(Map<String, Place> members) implements Place {}
  }

  private final Place.Parent root = new Place.Parent(new LinkedHashMap<>());

  void put(List<String> path, JsonNode value) {
    Place.Parent at = root;
    for (String name : path.subList(0, path.size() - 1)) {
      if (at.members().get(name) instanceof Place.Parent parent) {
        at = parent;
      } else {
        var made = new Place.Parent(new LinkedHashMap<>());
        at.members().put(name, made);
        at = made;
      }
    }
    at.members().put(path.getLast(), new Place.Value(value));
  }

  JsonNode toNode() {
    return toNode(root);
  }

  private static JsonNode toNode(Place place) {
    return switch (place) {
      case Place.Value(JsonNode value) -> value;
      case Place.Parent(Map<String, Place> members) -> {
        ObjectNode object = JsonRows.object();
        members.forEach((name, member) -> object.set(name, toNode(member)));
        yield object;
      }
    };
  }
}
