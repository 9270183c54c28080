package io.pannier.query;

import io.pannier.model.LabelType;
import io.pannier.store.BlockFacts;
import io.pannier.store.Entry;
import io.pannier.store.LabelFacts;
import io.pannier.store.StoredRecord;
import io.pannier.store.TimeRange;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Goes the way of a query without reading a body, and notes what it meets. */
final class Explainer {
  private final QueryOptions options;
  private final TimeRange range;
  private int entries;
  private int blocksOutside;
  private int blocksSkipped;
  private int blocksRead;
  private long indexBytes;
  private long records;
  private long chosen;
  private long bodyBytes;
  private final List<Explanation.Skipped> skipped = new ArrayList<>();

  Explainer(QueryOptions options) {
    this.options = options;
    range = options.range();
  }

  void add(Entry entry) {
    entries++;
    Selection selection = Selection.of(options, entry, range.start());
    blocksOutside += entry.survey(range, block -> look(entry, block, selection));
    Queries.walk(entry, options, this::count);
  }

  private void look(Entry entry, BlockFacts block, @Nullable Selection selection) {
    indexBytes += block.indexBytes();
    if (selection != null && selection.of(block) instanceof Selection.BlockPlan plan) {
      if (plan.isSkipped()) {
        blocksSkipped++;
        if (skipped.size() < Explanation.SKIPPED_MAX) {
          skipped.add(reason(entry, block, plan.hopelessMember(), selection));
        }
        return;
      }
    }
    blocksRead++;
    records += block.live();
  }

  private void count(List<StoredRecord> some) {
    chosen += some.size();
    for (StoredRecord record : some) {
      bodyBytes += options.onlyMetadata() ? 0 : record.length();
    }
  }

  private static Explanation.Skipped reason(
      Entry entry, BlockFacts block, int member, Selection selection) {
    var parts = new ArrayList<String>();
    Needs needs = Needs.of(selection.member(member));
    for (String name : new TreeSet<>(needs.labels())) {
      parts.add(describe(name, block));
    }
    if (needs.time()) {
      parts.add(
          "times are "
              + Long.toUnsignedString(block.oldest())
              + " to "
              + Long.toUnsignedString(block.newest()));
    }
    return new Explanation.Skipped(
        entry.name(),
        block.id(),
        block.live(),
        block.oldest(),
        block.newest(),
        member + 1,
        parts.isEmpty() ? "it holds for no record" : String.join("; ", parts));
  }

  private static String describe(String name, BlockFacts block) {
    LabelFacts label = block.label(name);
    if (label == null) {
      return "no record has label '" + name + "'";
    }
    var parts = new ArrayList<String>();
    if (label.count(LabelType.INT) > 0) {
      parts.add("whole numbers from " + label.intMin() + " to " + label.intMax());
    }
    if (label.count(LabelType.FLOAT) > 0) {
      parts.add("numbers from " + label.floatMin() + " to " + label.floatMax());
    }
    if (label.count(LabelType.BOOL) > 0) {
      parts.add("truth values");
    }
    if (label.count(LabelType.STRING) > 0) {
      parts.add("texts");
    }
    if (label.missingCount() > 0) {
      parts.add("nothing in " + label.missingCount() + " records");
    }
    return "label '"
        + name
        + "' is one of "
        + label.valueCount()
        + " values: "
        + String.join(", ", parts);
  }

  Explanation explanation() {
    return new Explanation(
        entries,
        blocksOutside,
        blocksSkipped,
        blocksRead,
        indexBytes,
        records,
        chosen,
        bodyBytes,
        List.copyOf(skipped));
  }
}
