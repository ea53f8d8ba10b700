"""The thumbnails of the page."""

from page_samples_text import samples_file, samples_script


def test_thumbnails_are_the_first_rows_of_the_data_sets():
    assert samples_file().read_text(encoding="utf-8") == samples_script()
