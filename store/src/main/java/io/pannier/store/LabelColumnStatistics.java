package io.pannier.store;

import io.pannier.model.LabelType;
import io.pannier.model.PannierException;

/**
 * How many values of a label read as which type, and the extremes of the numbers. Extremes are over
 * distinct values as well as over records, so a repeated value needs to be counted only.
 *
 * <p>NaN counts as a float but is in no range: {@link #hasNaN} tells. The format has no field for
 * it; a reader finds it again in the dictionary.
 */
final class LabelColumnStatistics {
  /** Encoded size: 4 counts, 2 whole numbers, 2 floats. */
  static final int BYTES = 4 * 4 + 2 * 8 + 2 * 8;

  private int bools;
  private int ints;
  private int floats;
  private int strings;
  private boolean nan;
  private long intMin = Long.MAX_VALUE;
  private long intMax = Long.MIN_VALUE;
  private double floatMin = Double.POSITIVE_INFINITY;
  private double floatMax = Double.NEGATIVE_INFINITY;

  /** Number of records whose value has the type. */
  int count(LabelType type) {
    return switch (type) {
      case BOOL -> bools;
      case INT -> ints;
      case FLOAT -> floats;
      case STRING -> strings;
    };
  }

  /** Number of records that have the label. */
  int total() {
    return bools + ints + floats + strings;
  }

  /** Smallest whole number; {@link Long#MAX_VALUE} when there is none. */
  long intMin() {
    return intMin;
  }

  /** Largest whole number; {@link Long#MIN_VALUE} when there is none. */
  long intMax() {
    return intMax;
  }

  /** Smallest float that is a number; positive infinity when there is none. */
  double floatMin() {
    return floatMin;
  }

  /** Largest float that is a number; negative infinity when there is none. */
  double floatMax() {
    return floatMax;
  }

  /** Whether a value is not a number, and thus in no range and unequal to everything. */
  boolean hasNaN() {
    return nan;
  }

  /** Takes in a value seen for the first time. */
  LabelType addNew(String value) {
    LabelType type = LabelType.of(value);
    switch (type) {
      case INT -> {
        long number = Long.parseLong(value);
        intMin = Math.min(intMin, number);
        intMax = Math.max(intMax, number);
      }
      case FLOAT -> {
        double number = LabelType.parseFloat(value);
        if (Double.isNaN(number)) {
          nan = true;
        } else {
          floatMin = Math.min(floatMin, number);
          floatMax = Math.max(floatMax, number);
        }
      }
      case BOOL, STRING -> {}
    }
    addKnown(type);
    return type;
  }

  /** Takes in a record whose value was seen before. */
  void addKnown(LabelType type) {
    switch (type) {
      case BOOL -> bools++;
      case INT -> ints++;
      case FLOAT -> floats++;
      case STRING -> strings++;
    }
  }

  void encode(IndexCodec.Writer out) {
    out.putInt(bools);
    out.putInt(ints);
    out.putInt(floats);
    out.putInt(strings);
    out.putLong(ints == 0 ? 0 : intMin);
    out.putLong(ints == 0 ? 0 : intMax);
    out.putLong(floats == 0 ? 0 : Double.doubleToRawLongBits(floatMin));
    out.putLong(floats == 0 ? 0 : Double.doubleToRawLongBits(floatMax));
  }

  /** Reads statistics over {@code present} records. */
  static LabelColumnStatistics decode(IndexCodec.Reader in, int present) {
    var read = new LabelColumnStatistics();
    read.bools = in.countUpTo(present);
    read.ints = in.countUpTo(present);
    read.floats = in.countUpTo(present);
    read.strings = in.countUpTo(present);
    long intMin = in.takeLong();
    long intMax = in.takeLong();
    double floatMin = Double.longBitsToDouble(in.takeLong());
    double floatMax = Double.longBitsToDouble(in.takeLong());
    if ((long) read.bools + read.ints + read.floats + read.strings != present) {
      throw new PannierException.Damaged("block index: label counts do not add up");
    }
    if (read.ints > 0) {
      if (intMin > intMax) {
        throw new PannierException.Damaged("block index: label range is reversed");
      }
      read.intMin = intMin;
      read.intMax = intMax;
    }
    if (read.floats > 0) {
      if (Double.isNaN(floatMin) || Double.isNaN(floatMax)) {
        throw new PannierException.Damaged("block index: label range is not a number");
      }
      read.floatMin = floatMin;
      read.floatMax = floatMax;
    }
    return read;
  }

  /** Finds again what the format leaves out. */
  void findNaN(LabelColumnDictionary values) {
    if (floats > 0) {
      for (int i = 0; i < values.count() && !nan; i++) {
        int length = values.utf8Length(i);
        nan = (length == 3 || length == 4) && LabelType.isNaN(values.value(i));
      }
    }
  }
}
