package io.pannier.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes maps as JSON, one line each, for a program to read while they come. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).build();

  private Json() {}

  public static void line(PrintWriter out, Map<String, ?> fields) {
    out.println(text(fields));
  }

  /** The text of what a server said. */
  public static JsonNode parse(String text) throws IOException {
    return MAPPER.readTree(text);
  }

  /** The members of an object. */
  static Map<String, Object> fields(JsonNode object) {
    return MAPPER.convertValue(object, new TypeReference<LinkedHashMap<String, Object>>() {});
  }

  static String text(Map<String, ?> fields) {
    try {
      return MAPPER.writeValueAsString(fields);
    } catch (IOException impossible) {
      throw new IllegalStateException("maps of texts and numbers are always JSON", impossible);
    }
  }
}
