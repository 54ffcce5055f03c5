"""The stock filters. Each is a module with do_filter(body_path, control_paths) and init_filter().

Modules whose names begin with an underscore are helpers, no filters. A site's own filters live in directories of its
own (filter_path in the configuration), which are looked in before this one.
"""
