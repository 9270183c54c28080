package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the part of OMG IDL 4.2 that ROS 2 interfaces use: modules, structs, typedefs, enums,
 * constants, sequences, arrays and bounded texts. Annotations and preprocessor lines are passed
 * over.
 */
final class IdlParser {
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s+|//[^\\n]*|/\\*.*?\\*/|(?m:^\\s*#[^\\n]*$)|(?m:^=+\\s*$)|(?m:^IDL:[^\\n]*$)"
              + "|(\"(?:[^\"\\\\]|\\\\.)*+\"|'(?:[^'\\\\]|\\\\.)*+'|::|[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9A-Za-z.+-]*|.)",
          Pattern.DOTALL);

  private static final Map<String, FieldType> BUILT_IN =
      Map.ofEntries(
          Map.entry("boolean", Primitive.BOOL),
          Map.entry("octet", Primitive.UINT8),
          Map.entry("char", Primitive.UINT8),
          Map.entry("int8", Primitive.INT8),
          Map.entry("uint8", Primitive.UINT8),
          Map.entry("int16", Primitive.INT16),
          Map.entry("short", Primitive.INT16),
          Map.entry("uint16", Primitive.UINT16),
          Map.entry("unsigned short", Primitive.UINT16),
          Map.entry("int32", Primitive.INT32),
          Map.entry("long", Primitive.INT32),
          Map.entry("uint32", Primitive.UINT32),
          Map.entry("unsigned long", Primitive.UINT32),
          Map.entry("int64", Primitive.INT64),
          Map.entry("long long", Primitive.INT64),
          Map.entry("uint64", Primitive.UINT64),
          Map.entry("unsigned long long", Primitive.UINT64),
          Map.entry("float", Primitive.FLOAT32),
          Map.entry("double", Primitive.FLOAT64));

  /** Modules within modules, sequences and arrays within each other. */
  private static final int DEPTH_MAX = 32;

  private final List<String> tokens = new ArrayList<>();
  private final Map<String, MessageType> types = new LinkedHashMap<>();
  private final Map<String, FieldType> aliases = new HashMap<>();
  private final Map<String, Integer> constants = new HashMap<>();
  private int at;
  private int depth;

  IdlParser(String text) {
    Matcher matcher = TOKEN.matcher(text);
    while (matcher.find()) {
      if (matcher.group(1) != null) {
        tokens.add(matcher.group(1));
      }
    }
  }

  Map<String, MessageType> parse() throws DefinitionException {
    while (at < tokens.size()) {
      declaration("");
    }
    return types;
  }

  private void declaration(String scope) throws DefinitionException {
    annotations();
    String word = take();
    switch (word) {
      case "module" -> {
        String name = take();
        expect("{");
        deeper();
        while (!peek().equals("}")) {
          declaration(scope.isEmpty() ? name : scope + "/" + name);
        }
        depth--;
        expect("}");
      }
      case "struct" -> struct(scope);
      case "typedef" -> {
        FieldType type = type();
        String name = take();
        aliases.put(name, dimensions(type));
      }
      case "enum" -> {
        // On the wire an enumerator is 32 bits wide.
        aliases.put(take(), Primitive.UINT32);
        skipBlock();
      }
      case "const" -> {
        type();
        String name = take();
        expect("=");
        String value = take();
        if (value.matches("[0-9]{1,9}")) {
          constants.put(name, Integer.parseInt(value));
        }
        while (!peek().equals(";")) {
          at++;
        }
      }
      case ";" -> {
        return;
      }
      default -> throw new DefinitionException("'" + word + "' begins no declaration of IDL");
    }
    if (at < tokens.size() && peek().equals(";")) {
      at++;
    }
  }

  private void struct(String scope) throws DefinitionException {
    String name = scope + "/" + take();
    expect("{");
    var fields = new ArrayList<MessageType.Field>();
    while (!peek().equals("}")) {
      annotations();
      FieldType type = type();
      do {
        String field = take();
        fields.add(new MessageType.Field(field, dimensions(type)));
      } while (next(","));
      expect(";");
    }
    expect("}");
    String shortName = MessageType.shortName(name);
    types.putIfAbsent(shortName, new MessageType(shortName, fields));
  }

  private FieldType type() throws DefinitionException {
    String word = take();
    switch (word) {
      case "string", "wstring" -> {
        if (next("<")) {
          bound();
          expect(">");
        }
        return new FieldType.Text(word.equals("wstring"));
      }
      case "sequence" -> {
        expect("<");
        deeper();
        FieldType element = type();
        depth--;
        if (next(",")) {
          bound();
        }
        expect(">");
        return array(element, 0);
      }
      case "unsigned" -> word = "unsigned " + take();
      default -> {
        // A word of its own, or a name.
      }
    }
    if (word.endsWith("long") && peek().equals("long")) {
      word += " " + take();
    }
    FieldType builtIn = BUILT_IN.get(word);
    if (builtIn != null) {
      return builtIn;
    }
    if (word.equals("long") || !Character.isJavaIdentifierStart(word.charAt(0))) {
      throw new DefinitionException("'" + word + "' is no type of IDL");
    }
    var name = new StringBuilder(word);
    while (next("::")) {
      name.append('/').append(take());
    }
    String last = name.substring(name.lastIndexOf("/") + 1);
    FieldType alias = aliases.get(last);
    return alias != null ? alias : new FieldType.Nested(MessageType.shortName(name.toString()));
  }

  private FieldType dimensions(FieldType type) throws DefinitionException {
    if (!next("[")) {
      return type;
    }
    int length = bound();
    expect("]");
    deeper();
    // The dimension nearest to the name is the outermost.
    FieldType array = array(dimensions(type), length);
    depth--;
    return array;
  }

  private void deeper() throws DefinitionException {
    depth++;
    if (depth > DEPTH_MAX) {
      throw new DefinitionException("declarations within each other, more than " + DEPTH_MAX);
    }
  }

  /** Also through aliases arrays go only so deep. */
  private static FieldType array(FieldType element, int length) throws DefinitionException {
    int deep = 1;
    for (FieldType inner = element; inner instanceof FieldType.Array next; deep++) {
      inner = next.element();
    }
    if (deep > DEPTH_MAX) {
      throw new DefinitionException("arrays of arrays, more than " + DEPTH_MAX + " deep");
    }
    return new FieldType.Array(element, length);
  }

  private int bound() throws DefinitionException {
    String word = take();
    while (next("::")) {
      word = take();
    }
    Integer constant = constants.get(word);
    if (constant != null) {
      return constant;
    }
    if (!word.matches("[1-9][0-9]{0,8}")) {
      throw new DefinitionException("'" + word + "' is no number of elements");
    }
    return Integer.parseInt(word);
  }

  private void annotations() throws DefinitionException {
    while (next("@")) {
      take();
      while (next("::")) {
        take();
      }
      if (next("(")) {
        for (int depth = 1; depth > 0; ) {
          String token = take();
          depth += token.equals("(") ? 1 : token.equals(")") ? -1 : 0;
        }
      }
    }
  }

  private void skipBlock() throws DefinitionException {
    while (!take().equals("}")) {
      // Enumerators.
    }
  }

  private String peek() throws DefinitionException {
    if (at >= tokens.size()) {
      throw new DefinitionException("the definition ends too early");
    }
    return tokens.get(at);
  }

  private String take() throws DefinitionException {
    String token = peek();
    at++;
    return token;
  }

  private boolean next(String token) throws DefinitionException {
    if (at < tokens.size() && peek().equals(token)) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(String token) throws DefinitionException {
    String found = take();
    if (!found.equals(token)) {
      throw new DefinitionException("'" + token + "' expected, not '" + found + "'");
    }
  }
}
