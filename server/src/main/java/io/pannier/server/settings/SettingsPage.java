package io.pannier.server.settings;

/** Writes {@code docs/settings.md}: the table for people. */
public final class SettingsPage {
  private static final String HEAD =
      """
      # Settings

      This page is made from the table that the server reads its environment with. Do not edit it;
      `./pannier settings --markdown > docs/settings.md` writes it anew, and a test fails when it is stale.

      Environment variables set up the server, and it reads them once, when it starts. Each `RS_X` may also be spelled `PANNIER_X`, which goes
      first; `--data`, `--host` and `--port` of `pannier serve` go before both. `pannier settings` prints what a start would use and everything
      that is wrong with it, without starting.

      A value that cannot be read stops the start when the server would be weaker without it (**safety**: access, quotas, what is kept, where it
      listens); otherwise the default is used and a warning says so (**tuning**). All mistakes are told at once, and the exit code is 2. Names
      that begin with `RS_` or `PANNIER_` and are unknown are told with the nearest known one.

      How values are written:

      | grammar | accepted |
      |---|---|
      | flag | `true yes on 1` or `false no off 0`, in any case |
      | number | digits |
      | seconds | digits, or a duration |
      | duration | parts such as `1h 30m`, added up; units `us ms s m h d` |
      | size | bytes as digits, or a number with `B KB MB GB TB PB` (powers of 1000) or `KiB MiB GiB TiB PiB` (powers of 1024) |
      | rate | `AMOUNT/PERIOD` such as `100req/s`, `10MB/m`, `2GB/12h`; without period in an hour |
      | list | items between commas; blanks around them are dropped |
      | words | one of those listed, in any case |
      """;

  private SettingsPage() {}

  /** The whole page. */
  public static String markdown() {
    var page = new StringBuilder(HEAD);
    for (Table.Section section : Table.SECTIONS) {
      page.append("\n## ").append(section.title()).append("\n\n");
      if (section.settings().stream().allMatch(SettingsPage::isIgnored)) {
        page.append("| variable | why |\n|---|---|\n");
        section.settings().forEach(setting -> cells(page, name(setting), setting.effect()));
      } else {
        page.append("| variable | value | default | | effect |\n|---|---|---|---|---|\n");
        section.settings().forEach(setting -> row(page, setting));
      }
    }
    return page.toString();
  }

  private static void row(StringBuilder page, Setting<?> setting) {
    if (isIgnored(setting)) {
      cells(page, name(setting), "", "", "ignored", setting.effect());
      return;
    }
    String usual = setting.defaultText().isEmpty() ? "" : "`" + setting.defaultText() + "`";
    String kind = setting.kind() == Setting.Kind.SAFETY ? "safety" : "tuning";
    cells(
        page,
        name(setting),
        setting.grammar().name(),
        usual,
        setting.isSecret() ? kind + ", secret" : kind,
        setting.effect());
  }

  private static boolean isIgnored(Setting<?> setting) {
    return setting.kind() == Setting.Kind.IGNORED;
  }

  private static String name(Setting<?> setting) {
    return "`" + setting.fullName() + "`";
  }

  private static void cells(StringBuilder page, String... cells) {
    page.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }
}
