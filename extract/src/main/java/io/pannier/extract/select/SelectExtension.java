package io.pannier.extract.select;

import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Step;

/** {@code select}: columns and rows of tables that lie in records. */
public final class SelectExtension implements Extension {
  @Override
  public String name() {
    return "select";
  }

  @Override
  public String version() {
    return "1.0";
  }

  @Override
  public Step open(Opening opening) {
    return switch (SelectConfig.read(opening.parameters())) {
      case SelectConfig.Columns columns when columns.json() ->
          new JsonColumnsStep(columns, opening.work());
      case SelectConfig.Columns columns ->
          new CsvColumnsStep(columns, opening.screen(), opening.work());
      case SelectConfig.Sql sql -> new SqlStep(sql, opening);
    };
  }
}
