package io.pannier.query.when;

import io.pannier.model.LabelType;
import io.pannier.model.PannierException;
import java.math.BigDecimal;

/** A value of the condition language. There is no null and no list. */
public sealed interface Value {
  /** True or false. */
  record Bool(boolean value) implements Value {
    static final Bool TRUE = new Bool(true);
    static final Bool FALSE = new Bool(false);
  }

  /** A whole number. */
  record Int(long value) implements Value {}

  /** A floating-point number; may be infinite or not a number. */
  record Real(double value) implements Value {}

  /** A text. */
  record Text(String value) implements Value {}

  /** A length of time in µs. */
  record Duration(long micros) implements Value {}

  /** One of the two. */
  static Value of(boolean value) {
    return value ? Bool.TRUE : Bool.FALSE;
  }

  /** Value of the stored text of a label; a duration is never read out of it. */
  static Value ofLabel(String text) {
    return switch (LabelType.of(text)) {
      case BOOL -> of(text.equals("true"));
      case INT -> new Int(Long.parseLong(text));
      case FLOAT -> new Real(LabelType.parseFloat(text));
      case STRING -> new Text(text);
    };
  }

  /** Zero, and the empty text, are false. */
  default boolean isTrue() {
    return switch (this) {
      case Bool(boolean value) -> value;
      case Int(long value) -> value != 0;
      case Real(double value) -> value != 0.0;
      case Text(String value) -> !value.isEmpty();
      case Duration(long micros) -> micros != 0;
    };
  }

  /**
   * As a whole number; a fraction is cut off.
   *
   * @throws PannierException.Invalid when it is a text that does not read as one
   */
  default long asInt() {
    return switch (this) {
      case Bool(boolean value) -> value ? 1 : 0;
      case Int(long value) -> value;
      case Real(double value) -> (long) value;
      case Text(String value) -> {
        if (LabelType.of(value) != LabelType.INT) {
          throw notParsed(value, "integer");
        }
        yield Long.parseLong(value);
      }
      case Duration(long micros) -> micros;
    };
  }

  /**
   * As a floating-point number.
   *
   * @throws PannierException.Invalid when it is a text that does not read as one
   */
  default double asFloat() {
    return switch (this) {
      case Bool(boolean value) -> value ? 1 : 0;
      case Int(long value) -> value;
      case Real(double value) -> value;
      case Text(String value) ->
          switch (LabelType.of(value)) {
            case INT, FLOAT -> LabelType.parseFloat(value);
            case BOOL, STRING -> throw notParsed(value, "float");
          };
      case Duration(long micros) -> micros;
    };
  }

  /** As a text. */
  default String asText() {
    return switch (this) {
      case Bool(boolean value) -> Boolean.toString(value);
      case Int(long value) -> Long.toString(value);
      case Real(double value) -> text(value);
      case Text(String value) -> value;
      case Duration(long micros) -> Durations.toText(micros);
    };
  }

  /** Name of the type as errors tell it. */
  default String typeName() {
    return switch (this) {
      case Bool _ -> "boolean";
      case Int _ -> "integer";
      case Real _ -> "float";
      case Text _ -> "string";
      case Duration _ -> "duration";
    };
  }

  /** How two values stand to each other. */
  enum Order {
    LESS,
    EQUAL,
    GREATER,
    /** Not equal, and neither comes first: a text and a number, or not a number and anything. */
    NONE;

    /** The order that the sign of a comparison tells. */
    public static Order of(int sign) {
      return sign < 0 ? LESS : sign > 0 ? GREATER : EQUAL;
    }
  }

  /** Compares; texts in the order of their UTF-8 bytes, everything else as numbers. */
  static Order compare(Value left, Value right) {
    if (left instanceof Text(String a)) {
      return right instanceof Text(String b) ? Order.of(compareTexts(a, b)) : Order.NONE;
    }
    if (right instanceof Text) {
      return Order.NONE;
    }
    if (left instanceof Real || right instanceof Real) {
      double a = left.asFloat();
      double b = right.asFloat();
      return a < b ? Order.LESS : a > b ? Order.GREATER : a == b ? Order.EQUAL : Order.NONE;
    }
    return Order.of(Long.compare(left.asInt(), right.asInt()));
  }

  /** UTF-16 units order as code points do, but for surrogates, which stand for higher ones. */
  private static int compareTexts(String a, String b) {
    int length = Math.min(a.length(), b.length());
    for (int i = 0; i < length; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean highX = Character.isSurrogate(x);
        boolean highY = Character.isSurrogate(y);
        return highX == highY ? Character.compare(x, y) : highX ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  /** Shortest digits that read back as the same number, never with an exponent. */
  private static String text(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0" : "0";
    }
    return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
  }

  private static PannierException.Invalid notParsed(String text, String type) {
    return new PannierException.Invalid("Value '" + text + "' could not be parsed as " + type);
  }
}
