package io.pannier.robotics.msg;

import io.pannier.robotics.msg.FieldType.Primitive;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Builds maps and lists of what it is told; see the package's description. */
final class TreeBuilder implements MessageVisitor {
  /** A message or an array that is not complete yet. */
  private static final class Open {
    final Map<String, Object> fields = new LinkedHashMap<>();
    final List<Object> elements;
    final boolean array;
    String field = "";

    Open(boolean array, int count) {
      this.array = array;
      elements = new ArrayList<>(count);
    }
  }

  private final Deque<Open> open = new ArrayDeque<>();
  private Map<String, Object> root = Map.of();

  Map<String, Object> root() {
    return root;
  }

  private void add(Object value) {
    Open parent = open.getLast();
    if (parent.array) {
      parent.elements.add(value);
    } else {
      parent.fields.put(parent.field, value);
    }
  }

  @Override
  public void beginMessage(String type) {
    open.addLast(new Open(false, 0));
  }

  @Override
  public void field(String name) {
    open.getLast().field = name;
  }

  @Override
  public void endMessage() {
    Open ended = open.removeLast();
    if (open.isEmpty()) {
      root = ended.fields;
    } else {
      add(ended.fields);
    }
  }

  @Override
  public void beginArray(int count) {
    open.addLast(new Open(true, count));
  }

  @Override
  public void endArray() {
    add(open.removeLast().elements);
  }

  @Override
  public void bool(boolean value) {
    add(value);
  }

  @Override
  public void integer(long value, Primitive type) {
    switch (type) {
      case UINT32, INT64 -> add(value);
      case UINT64 ->
          add(value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value)));
      default -> add((int) value);
    }
  }

  @Override
  public void number(float value) {
    add(value);
  }

  @Override
  public void number(double value) {
    add(value);
  }

  @Override
  public void time(long seconds, long nanoseconds) {
    var time = new LinkedHashMap<String, Object>();
    time.put("sec", seconds);
    time.put("nsec", nanoseconds);
    add(time);
  }

  @Override
  public void text(String value) {
    add(value);
  }

  @Override
  public void bytes(ByteBuffer value, Primitive element) {
    byte[] bytes = new byte[value.remaining()];
    value.get(bytes);
    add(bytes);
  }
}
