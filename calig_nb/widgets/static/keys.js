//# allFunctionsCalledOnLoad
var o=t=>t.target;var n=t=>o(t).toggleAttribute("data-lm-suppress-shortcuts",t.type==="focusin");var p={render(){let t=new AbortController,r=e=>o(e).closest(".calig-box")&&n(e);for(let e of["focusin","focusout"])document.addEventListener(e,r,{signal:t.signal});return()=>t.abort()}};export{p as default};
