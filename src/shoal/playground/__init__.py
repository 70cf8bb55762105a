"""The playground: one page that shows every number of a network, and its hosts.

The page is `index.html` with its style sheets and ES modules, all in this folder. Of Python it
needs one JSON document, from which it starts.

=============  ===================================================================
`boot`         that document: from nothing, from a table, from a Model
`server`       the page on this computer, for `shoal play`
`export`       the page in one file, and in a frame of another page
`widget`       the page in a notebook: `shoal.Playground`
=============  ===================================================================
"""
