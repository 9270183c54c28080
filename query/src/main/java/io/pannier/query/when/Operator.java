package io.pannier.query.when;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operators, and how many operands each takes. */
public enum Operator {
  AND("$and", "$all_of", Operands.ANY),
  OR("$or", "$any_of", Operands.ANY),
  NOT("$not", "$none_of", Operands.ANY),
  XOR("$xor", "$one_of", Operands.ANY),
  IN("$in", null, Operands.TWO_OR_MORE),
  NIN("$nin", null, Operands.TWO_OR_MORE),

  EQ("$eq", null, Operands.TWO),
  NE("$ne", null, Operands.TWO),
  GT("$gt", null, Operands.TWO),
  GTE("$gte", null, Operands.TWO),
  LT("$lt", null, Operands.TWO),
  LTE("$lte", null, Operands.TWO),

  ADD("$add", null, Operands.ANY),
  MULT("$mult", null, Operands.ANY),
  SUB("$sub", null, Operands.TWO),
  DIV("$div", null, Operands.TWO),
  DIV_NUM("$div_num", null, Operands.TWO),
  REM("$rem", null, Operands.TWO),
  ABS("$abs", null, Operands.ONE),

  CONTAINS("$contains", null, Operands.TWO),
  STARTS_WITH("$starts_with", null, Operands.TWO),
  ENDS_WITH("$ends_with", null, Operands.TWO),

  EXISTS("$exists", "$has", Operands.ONE_OR_MORE),
  CAST("$cast", null, Operands.TWO),
  REF("$ref", null, Operands.ONE),
  /** Ours: the stored text of a label, without reading a type out of it. */
  TEXT("$text", null, Operands.ONE),
  TIMESTAMP("$timestamp", "$id", Operands.NONE),

  SECOND("$second", null, Operands.ONE_OR_TWO),
  MINUTE("$minute", null, Operands.ONE_OR_TWO),
  HOUR("$hour", null, Operands.ONE_OR_TWO),
  DAY("$day", null, Operands.ONE_OR_TWO),
  MONTH("$month", null, Operands.ONE_OR_TWO),
  YEAR("$year", null, Operands.ONE_OR_TWO),
  WEEKDAY("$weekday", null, Operands.ONE_OR_TWO),

  EACH_N("$each_n", null, Operands.ONE),
  EACH_T("$each_t", null, Operands.ONE),
  LIMIT("$limit", null, Operands.ONE),
  GATE("$gate", null, Operands.TWO);

  private enum Operands {
    ANY(0, Integer.MAX_VALUE, ""),
    NONE(0, 0, " requires no operands"),
    ONE(1, 1, " requires exactly one operand"),
    ONE_OR_TWO(1, 2, " requires one or two operands"),
    ONE_OR_MORE(1, Integer.MAX_VALUE, " requires at least one operand"),
    TWO(2, 2, " requires exactly two operands"),
    TWO_OR_MORE(2, Integer.MAX_VALUE, " operator requires at least two operands");

    final int min;
    final int max;
    final String complaint;

    Operands(int min, int max, String complaint) {
      this.min = min;
      this.max = max;
      this.complaint = complaint;
    }
  }

  private static final Map<String, Operator> BY_NAME = new HashMap<>();

  static {
    for (Operator operator : values()) {
      BY_NAME.put(operator.symbol, operator);
      if (operator.alias != null) {
        BY_NAME.put(operator.alias, operator);
      }
    }
  }

  private final String symbol;
  private final @Nullable String alias;
  private final Operands operands;

  Operator(String symbol, @Nullable String alias, Operands operands) {
    this.symbol = symbol;
    this.alias = alias;
    this.operands = operands;
  }

  /** The operator of a name, case-sensitive, or null. */
  static @Nullable Operator named(String name) {
    return BY_NAME.get(name);
  }

  /** What is wrong with a number of operands, or null if nothing is. */
  @Nullable String complaint(int count) {
    return count < operands.min || count > operands.max ? symbol + operands.complaint : null;
  }

  /** Whether a comparison holds for operands that stand so to each other. */
  public boolean holds(Value.Order order) {
    return switch (this) {
      case EQ -> order == Value.Order.EQUAL;
      case NE -> order != Value.Order.EQUAL;
      case GT -> order == Value.Order.GREATER;
      case GTE -> order == Value.Order.GREATER || order == Value.Order.EQUAL;
      case LT -> order == Value.Order.LESS;
      case LTE -> order == Value.Order.LESS || order == Value.Order.EQUAL;
      default -> throw new IllegalArgumentException(this + " compares nothing");
    };
  }

  /** The name that errors tell. */
  public String symbol() {
    return symbol;
  }

  /** Whether what it answers depends on the records that it saw before. */
  public boolean isStateful() {
    return switch (this) {
      case EACH_N, EACH_T, LIMIT, GATE -> true;
      default -> false;
    };
  }
}
