package io.pannier.query;

import io.pannier.model.Labels;
import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Step;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Joins contents, with {@code +} between them, into items of {@code of} inputs each (parameter;
 * default: what there is). What is left over comes at the end. With {@code per_record} at the end
 * of each record instead.
 */
public final class JoinExtension implements Extension {
  @Override
  public String name() {
    return "join";
  }

  @Override
  public String version() {
    return "1.0";
  }

  @Override
  public Step open(Opening opening) {
    return new Join(opening);
  }

  private static final class Join implements Step {
    private final Opening opening;
    private final int of;
    private final boolean perRecord;
    private @Nullable Item first;
    private @Nullable Spool held;
    private int count;

    Join(Opening opening) {
      this.opening = opening;
      of = opening.parameters().path("of").asInt(Integer.MAX_VALUE);
      perRecord = opening.parameters().has("per_record");
    }

    @Override
    public Items process(Item input) {
      return Items.of(input);
    }

    @Override
    public Items commit(Item kept) {
      Spool spool = held;
      if (spool == null) {
        spool = opening.work().spool();
        held = spool;
        first = kept;
      } else {
        spool.write("+".getBytes(StandardCharsets.UTF_8));
      }
      spool.write(kept.body().bytes(1 << 24));
      return ++count == of ? flush() : Items.none();
    }

    @Override
    public Items finish(Item input) {
      return perRecord ? flush() : Items.none();
    }

    @Override
    public Items flush() {
      Item of = first;
      Spool spool = held;
      if (of == null || spool == null) {
        return Items.none();
      }
      var joined =
          Item.of(
              of.entry(),
              of.timestamp(),
              of.labels(),
              Labels.of("count", Integer.toString(count)),
              "text/joined",
              spool.finish());
      first = null;
      held = null;
      count = 0;
      return Items.of(joined);
    }

    @Override
    public void close() {
      if (held != null) {
        held.close();
      }
    }
  }
}
