package io.pannier.store;

import io.pannier.model.LabelType;

/** One label over the records of a block, as they were written: a code per row, and the values. */
public sealed interface LabelFacts permits LabelColumn {
  /** Number of records that lack the label. */
  int missingCount();

  /** 0 when the record lacks the label, else 1 + the index of its value. */
  int code(int row);

  /** Number of values. Beyond 256, one value may stand there more than once. */
  int valueCount();

  /** A value. */
  String value(int index);

  /** Number of records whose value has the type. */
  int count(LabelType type);

  /** Smallest whole number; {@link Long#MAX_VALUE} when there is none. */
  long intMin();

  /** Largest whole number; {@link Long#MIN_VALUE} when there is none. */
  long intMax();

  /** Smallest float that is a number; positive infinity when there is none. */
  double floatMin();

  /** Largest float that is a number; negative infinity when there is none. */
  double floatMax();

  /** Whether a value is not a number, and thus in no range. */
  boolean hasNaN();
}
